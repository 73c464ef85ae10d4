/** What `scripts/collect-tools.mjs` finds in `tools/`. */
declare module '#tools' {
  /** Every tool there is, by name of its file. */
  export const tools: readonly import('./tool').Tool[]
}
