import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tools } from '#tools'
import { expect, test } from 'vitest'
import { createViteServer } from 'vitest/node'
import { collectTools } from '../../scripts/collect-tools.mjs'

const chat = join(import.meta.dirname, '../../server/chat')

test('every file of the folder of tools is one that is offered under the name of its file', async () => {
  const files = (await readdir(join(chat, 'tools'))).filter(file => file.endsWith('.ts'))
  expect(files).toContain('search-project.ts')
  expect(tools.map(({ name }) => `${name.replaceAll('_', '-')}.ts`)).toEqual(files.toSorted())
  // The compiler does not see what is collected.
  for (const { call, parameters, description } of tools) expect({ call, parameters, description }).toEqual({ call: expect.any(Function), parameters: expect.any(Object), description: expect.any(String) })
})

test('a tool is added by its file alone', async () => {
  await mkdir('.cache/test', { recursive: true })
  const folder = await mkdtemp(join(process.cwd(), '.cache/test/tools-'))
  await writeFile(join(folder, 'reverse-text.ts'), `
    import { z } from 'zod'
    import { defineTool } from ${JSON.stringify(join(chat, 'tool.ts'))}
    export default defineTool({
      name: 'reverse_text', description: 'Turns a text around.', input: z.object({ text: z.string() }), timeoutMs: 1_000,
      run: async ({ text }) => ({ text: [...text].reverse().join('') })
    })`)
  const server = await createViteServer({ configFile: false, logLevel: 'error', server: { middlewareMode: true, ws: false, watch: null }, optimizeDeps: { noDiscovery: true }, plugins: [collectTools(folder)] })
  try {
    const { tools: [tool] } = await server.ssrLoadModule('#tools')
    expect(tool).toMatchObject({ name: 'reverse_text', parameters: { required: ['text'] } })
    expect(await tool.call('{"text":"warp"}', {})).toEqual({ text: 'praw' })
    await expect(tool.call('{"text":1}', {})).rejects.toThrow('The arguments do not fit')
  } finally {
    await server.close()
    await rm(folder, { recursive: true })
  }
})
