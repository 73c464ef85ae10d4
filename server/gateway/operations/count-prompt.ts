import { countTextTokens, MAX_COUNTED_CHARACTERS } from '../count-tokens'
import { boundSound } from '../estimate-cost'
import type { PackedFiles } from '../estimate-cost'
import { encodeBody } from '../providers/encode-body'
import type { CountedRequest } from './operation'
import { estimateFileTokens, FILE_CHARACTERS_PER_TOKEN } from './packed-file'

/** A picture, a sound or a file in a prompt, and its data as it stands there: base64, an address, or nothing. */
export interface Medium { kind: 'image' | 'sound' | 'file', data: string }

/** A request's body apart from the data of what is no text. */
export interface Prompt { rest: Record<string, unknown>, media: readonly Medium[] }

/** Of one of usual size: about what Anthropic's models take, twice what OpenAI's do. Sources: their vision guides, read 2026-11. */
const TOKENS_PER_IMAGE = 1_600
/** A second takes 10 tokens with OpenAI's models and 32 with Google's, and 20,000 characters as MP3. */
const SOUND_CHARACTERS_PER_TOKEN = 1_000
/** What is written in no words, such as a sealed thought: about what it stands for, as of a file. */
const SEALED = /^[\w+/=-]{256,}$/

/** Fields of a body that no model reads. */
const settings: ReadonlySet<string> = new Set(['model', 'models', 'metadata', 'stream_options'])
/** Names that the formats are made of; any other may be of a tool's schema or its arguments. */
const framing: ReadonlySet<string> = new Set(['role', 'type', 'content', 'text'])

/** The tokens of a prompt, as near as can be told without its provider: all its words, those of tools and their calls too, and a figure for each medium. */
export async function countPrompt({ rest, media }: Prompt): Promise<number> {
  const { words, sealedCharacters } = wordsOf(rest)
  const tokens = await countTextTokens(words.join('\n'))
  return tokens + Math.ceil(sealedCharacters / FILE_CHARACTERS_PER_TOKEN + media.reduce((sum, medium) => sum + tokensOf(medium), 0))
}

/**
 * A closer look than the bytes, and a bound as they are: everything but the data of images and sounds. Undefined for what is too long to be counted, and for files that tell no count.
 * @param packed which of the prompt's files are such
 */
export async function countClosely({ rest, media }: Prompt, packed: PackedFiles | undefined): Promise<CountedRequest | undefined> {
  if (packed) return undefined
  // What a file says may be as long as its data.
  const text = [encodeBody(rest), ...media.flatMap(({ kind, data }) => kind === 'file' ? [data] : [])].join('\n')
  // Beyond, the count is a guess, and a guess is no bound.
  if (text.length > MAX_COUNTED_CHARACTERS) return undefined
  const images = media.filter(({ kind }) => kind === 'image').length
  const soundTokens = media.reduce((sum, { kind, data }) => kind === 'sound' ? sum + boundSound(data) : sum, 0)
  return { tokens: await countTextTokens(text), images, soundTokens }
}

function tokensOf({ kind, data }: Medium): number {
  if (kind === 'image') return TOKENS_PER_IMAGE
  if (kind === 'sound') return data.length / SOUND_CHARACTERS_PER_TOKEN
  return estimateFileTokens(data)
}

/** All that is said in a body, in no order. Numbers and switches at its top are settings. Not by recursion: it may be nested deeper than the stack is. */
function wordsOf(body: Record<string, unknown>): { words: string[], sealedCharacters: number } {
  const words: string[] = []
  let sealedCharacters = 0
  const left = Object.entries(body).flatMap(([name, value]) => settings.has(name) || typeof value === 'number' || typeof value === 'boolean' ? [] : [value])
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value === 'string' && SEALED.test(value)) {
      sealedCharacters += value.length
    } else if (typeof value !== 'object') {
      if (value !== undefined) words.push(String(value))
    } else if (Array.isArray(value)) {
      for (const item of value) left.push(item)
    } else {
      for (const [name, item] of Object.entries(value ?? {})) {
        if (!framing.has(name)) words.push(name)
        left.push(item)
      }
    }
  }
  return { words, sealedCharacters }
}
