/**
 * One character of a script that puts no spaces between words, or puts them where another word is not looked for: Thai, Lao, Burmese, Khmer, Chinese,
 * Japanese, Korean. For expressions of PostgreSQL and JavaScript alike; changing it changes an index.
 */
export const UNSPACED_CHARACTER = '[\\u0e00-\\u0eff\\u1000-\\u109f\\u1780-\\u17ff\\u3040-\\u30ff\\u3400-\\u9fff\\uac00-\\ud7af\\uf900-\\ufaff]'
