/**
 * One character of a script that puts no spaces between words, or puts them where another word is not looked for: Thai, Lao, Burmese, Khmer, Chinese,
 * Japanese, Korean. For expressions of PostgreSQL and JavaScript alike; changing it changes an index.
 */
export const UNSPACED_CHARACTER = '[\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u3040-\\u30ff\\u3400-\\u9fff\\uac00-\\ud7af\\uf900-\\ufaff]'

/** The same, as an expression of PostgreSQL: the characters of these scripts in a text, each a word; what else it says is in the index of words. */
export const unspacedCharacters = (text: string) => `regexp_replace(regexp_replace(${text}, '[^${UNSPACED_CHARACTER.slice(1)}+', ' ', 'g'), '(${UNSPACED_CHARACTER})', ' \\1 ', 'g')`
