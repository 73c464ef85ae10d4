/** Tells in constant time (exact names) or in proportion to the patterns with `*` whether a model is among them. */
export class ModelMatcher {
  readonly names: ReadonlySet<string>
  private readonly patterns: string[][]

  constructor(readonly source: readonly string[]) {
    this.names = new Set(source.filter(pattern => !pattern.includes('*')))
    this.patterns = source.filter(pattern => pattern.includes('*')).map(pattern => pattern.split('*'))
  }

  matches(name: string): boolean {
    return this.names.has(name) || this.patterns.some(pieces => matchesPieces(pieces, name))
  }
}

/** How many names an answer is remembered for. */
const MAX_REMEMBERED = 256

/** What is denied: in any case, and with what `<name>` denies `<name>:<variant>`, as Ollama and OpenRouter write them; a name without variant means `:latest`. */
export class DenyMatcher {
  private readonly matcher: ModelMatcher
  /** Each call asks for several names, and most calls for the same. */
  private readonly answers = new Map<string, boolean>()

  constructor(readonly source: readonly string[]) {
    this.matcher = new ModelMatcher(source.map(pattern => pattern.toLowerCase()))
  }

  matches(name: string): boolean {
    const known = this.answers.get(name)
    if (known !== undefined) return known
    const answer = this.find(name)
    if (this.answers.size === MAX_REMEMBERED) this.answers.clear()
    this.answers.set(name, answer)
    return answer
  }

  private find(name: string): boolean {
    const small = name.toLowerCase()
    const colon = small.indexOf(':', small.lastIndexOf('/') + 1)
    return this.matcher.matches(small) || this.matcher.matches(colon === -1 ? `${small}:latest` : small.slice(0, colon))
  }
}

/**
 * Whether every name that `inner` (a name or pattern) stands for is one that `outer` stands for: `gpt-*` covers `gpt-4*`.
 * A `*` of `inner` can only be met by one of `outer`, which then meets whatever stands in its place.
 */
export function coversPattern(outer: string, inner: string): boolean {
  return outer === inner || (outer.includes('*') && matchesPieces(outer.split('*'), inner))
}

/** The text between the stars, found from left to right: linear, whatever the pattern. */
function matchesPieces(pieces: readonly string[], name: string): boolean {
  const first = pieces[0] ?? ''
  const last = pieces.at(-1) ?? ''
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false
  const end = name.length - last.length
  let position = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, position)
    if (found === -1 || found + piece.length > end) return false
    position = found + piece.length
  }
  return true
}
