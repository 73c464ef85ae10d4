import type { Trace } from '#shared/traces'

const paths: Record<string, string> = {
  'chat': '/v1/chat/completions', 'chat.completions': '/v1/chat/completions', 'messages.count_tokens': '/v1/messages/count_tokens',
  'images.generations': '/v1/images/generations', 'images.edits': '/v1/images/edits', 'audio.speech': '/v1/audio/speech', 'audio.transcriptions': '/v1/audio/transcriptions',
  'audio.translations': '/v1/audio/translations'
}

/** The same call for a terminal, with a key to be put in; undefined where its body was not kept. */
export function toCurl(trace: Pick<Trace, 'endpoint' | 'requestBody'>, origin: string): string | undefined {
  if (trace.requestBody === null) return undefined
  const path = paths[trace.endpoint] ?? (trace.endpoint.startsWith('/') ? trace.endpoint : `/v1/${trace.endpoint}`)
  return [`curl ${quote(origin + path)}`, '-H "authorization: Bearer $LOOM_API_KEY"', '-H \'content-type: application/json\'', `-d ${quote(trace.requestBody)}`].join(' \\\n  ')
}

/** In single quotes a shell reads nothing but a single quote. */
const quote = (text: string) => `'${text.replaceAll('\'', '\'\\\'\'')}'`
