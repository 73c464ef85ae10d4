import { createHash } from 'node:crypto'
import { addAbortSignal, Readable } from 'node:stream'
import { z } from 'zod'
import type { OperationName } from '../operations/operation-name'
import { readDemoRequest, wordsOf } from './demo-request'
import { hear } from './demo-transcript'
import type { ProviderCall } from './provider'

/** The demo model's voice is a tone for each word, and of what it hears it understands nothing but the size. */
export function demoSound(operation: OperationName): ProviderCall | undefined {
  switch (operation) {
    case 'audio.speech': return speak
    case 'audio.transcriptions': return hear('transcribe')
    case 'audio.translations': return hear('translate')
    default: return undefined
  }
}

const SpeechRequest = z.object({
  input: z.string().max(4_096),
  response_format: z.enum(['wav', 'pcm'], 'the demo model gives sound as wav or pcm').nullish(),
  stream_format: z.literal('audio', 'the demo model streams plain sound').nullish()
})

/** As OpenAI's `pcm`: 16 bits, little-endian, one channel. */
const SAMPLES_PER_SECOND = 24_000
const BYTES_PER_SAMPLE = 2
const TONE_SAMPLES = SAMPLES_PER_SECOND * 0.12
const WORD_SAMPLES = SAMPLES_PER_SECOND * 0.16
const LOUDNESS = 8_000
/** Of a pentatonic scale, so that no two of them grate; in Hz. */
const PITCHES = [262, 294, 330, 392, 440, 523, 587, 659]

const tones = PITCHES.map((pitch) => {
  const sound = Buffer.alloc(WORD_SAMPLES * BYTES_PER_SAMPLE)
  for (let n = 0; n < TONE_SAMPLES; n++) {
    // Swells and fades: an edge would click.
    const swell = Math.sin(Math.PI * n / TONE_SAMPLES)
    sound.writeInt16LE(Math.round(LOUDNESS * swell * Math.sin(2 * Math.PI * pitch * n / SAMPLES_PER_SECOND)), n * BYTES_PER_SAMPLE)
  }
  return sound
})

const speak: ProviderCall = async (_connection, { body }, _transport, signal) => {
  signal.throwIfAborted()
  const { input, response_format: format } = readDemoRequest(SpeechRequest, body)
  const words = wordsOf(input)
  const isPlain = format === 'pcm'
  const sound = addAbortSignal(signal, Readable.from(sing(words, isPlain), { objectMode: false }))
  return { status: 200, headers: { 'content-type': isPlain ? 'audio/pcm' : 'audio/wav' }, body: sound }
}

function* sing(words: readonly string[], isPlain: boolean): Generator<Buffer> {
  const sung = words.length > 0 ? words : ['']
  if (!isPlain) yield waveHeader(sung.length * WORD_SAMPLES * BYTES_PER_SAMPLE)
  for (const word of sung) {
    const tone = tones[createHash('sha256').update(word).digest().readUInt8() % tones.length]
    if (tone) yield tone
  }
}

/** Source: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0", WAVE. */
function waveHeader(dataBytes: number): Buffer {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + dataBytes, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(SAMPLES_PER_SECOND, 24)
  header.writeUInt32LE(SAMPLES_PER_SECOND * BYTES_PER_SAMPLE, 28)
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32)
  header.writeUInt16LE(8 * BYTES_PER_SAMPLE, 34)
  header.write('data', 36)
  header.writeUInt32LE(dataBytes, 40)
  return header
}
