/**
 * Stands for parts of packages that nothing of Loom's reaches (`scripts/replace-imports.ts`), so that nobody loads them. One that is
 * reached all the same says so.
 */
function refuse(): never {
  throw new Error('This part of a package is replaced: see scripts/replace-imports.ts')
}

// A component.
export default { render: refuse }
// js-yaml
export const JSON_SCHEMA = undefined
export const load = refuse
export const dump = refuse
// hast-util-to-html
export const toHtml = refuse
// htmlparser2
export const Parser = refuse
