import { z } from 'zod'
import { parseJson } from '#shared/parse-json'
import type { Trace } from '#shared/traces'

const paths: Record<string, string> = {
  'chat': '/v1/chat/completions', 'chat.completions': '/v1/chat/completions', 'messages.count_tokens': '/v1/messages/count_tokens',
  'images.generations': '/v1/images/generations', 'images.edits': '/v1/images/edits', 'audio.speech': '/v1/audio/speech', 'audio.transcriptions': '/v1/audio/transcriptions',
  'audio.translations': '/v1/audio/translations'
}
/** Those whose body is a form with files, of which a trace keeps what they are called. */
const forms: ReadonlySet<string> = new Set(['images.edits', 'audio.transcriptions', 'audio.translations'])

const Part = z.union([z.string(), z.object({ file_name: z.string() })])
const Form = z.record(z.string(), z.union([Part, z.array(Part)]))

/** Pictures that came in JSON, by their addresses or in data URLs, of which a trace keeps the length: they are to be put in, as files are. */
const Reference = z.union([z.object({ image_url: z.string() }), z.object({ file_id: z.string() })])
const References = z.object({ images: z.array(Reference), mask: Reference.nullish(), markup: Reference.nullish() })

/** The same call for a terminal, with a key to be put in, and files where there were some; undefined where its body was not kept. */
export function toCurl(trace: Pick<Trace, 'endpoint' | 'requestBody'>, origin: string): string | undefined {
  if (trace.requestBody === null) return undefined
  const path = paths[trace.endpoint] ?? (trace.endpoint.startsWith('/') ? trace.endpoint : `/v1/${trace.endpoint}`)
  const isForm = forms.has(trace.endpoint) && !References.safeParse(parseJson(trace.requestBody)).success
  const body = isForm ? formOptions(trace.requestBody) : ['-H \'content-type: application/json\'', `-d ${quote(trace.requestBody)}`]
  return body && [`curl ${quote(origin + path)}`, '-H "authorization: Bearer $LOOM_API_KEY"', ...body].join(' \\\n  ')
}

function formOptions(record: string): string[] | undefined {
  const form = Form.safeParse(parseJson(record)).data
  return form && Object.entries(form).flatMap(([name, parts]) => [parts].flat().map(part => typeof part === 'string'
    ? `--form-string ${quote(`${name}=${part}`)}`
    : `-F ${quote(`${name}=@"${baseName(part.file_name)}"`)}`))
}

/** Whoever called chose it: it must not name a file elsewhere on the disk of who repeats the call. */
const baseName = (fileName: string) => fileName.replace(/^.*[\\/]/s, '').replaceAll('"', '')

/** In single quotes a shell reads nothing but a single quote. */
const quote = (text: string) => `'${text.replaceAll('\'', '\'\\\'\'')}'`
