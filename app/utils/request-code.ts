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
  // The strings of JSON are strings of Python too.
  python: (origin: string, { model, messages }: AnswerRequest) => `import os
from openai import OpenAI

loom = OpenAI(base_url="${origin}/v1", api_key=os.environ["LOOM_API_KEY"])
stream = loom.chat.completions.create(
    model=${JSON.stringify(model)},
    messages=${JSON.stringify(messages, null, 4).replaceAll('\n', '\n    ')},
    stream=True,
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
