import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tools } from '../../server/chat/tools/registry'

test('every file of the folder of tools is one that is offered under the name of its file', async () => {
  const files = await readdir(join(import.meta.dirname, '../../server/chat/tools'))
  const defined = files.filter(file => file.endsWith('.ts') && file !== 'tool.ts' && file !== 'registry.ts')
  expect(tools.map(({ name }) => `${name.replaceAll('_', '-')}.ts`).toSorted()).toEqual(defined.toSorted())
})
