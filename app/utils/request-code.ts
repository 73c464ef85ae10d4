import type { AnswerRequest } from '#shared/answers'

/** A call as code to run elsewhere, with the key in `LOOM_API_KEY`. */
export const requestCode = {
  curl: (origin: string, request: AnswerRequest) => `curl ${origin}/v1/chat/completions \\
  -H "Authorization: Bearer $LOOM_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d ${quoteForShell(JSON.stringify(request))}
`,
  javascript: (origin: string, request: AnswerRequest) => `import OpenAI from 'openai'

const loom = new OpenAI({ baseURL: '${origin}/v1', apiKey: process.env.LOOM_API_KEY })
const stream = await loom.chat.completions.create(${JSON.stringify(request, null, 2)})
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '')
`,
  // Strings and numbers of JSON are those of Python too, null is not: a message may go without its content instead.
  python: (origin: string, { model, messages, stream: _, ...parameters }: AnswerRequest) => `import os
from openai import OpenAI

loom = OpenAI(base_url="${origin}/v1", api_key=os.environ["LOOM_API_KEY"])
stream = loom.chat.completions.create(
    model=${JSON.stringify(model)},
    messages=${JSON.stringify(messages, (_, value: unknown) => value ?? undefined, 4).replaceAll('\n', '\n    ')},
${Object.entries(parameters).map(([name, value]) => `    ${name}=${JSON.stringify(value)},\n`).join('')}    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="")
`
}

/** Inside single quotes a shell reads nothing but the closing quote. */
function quoteForShell(text: string): string {
  return `'${text.replaceAll('\'', '\'\\\'\'')}'`
}
