// `npm start`: installs and builds what is missing, then serves. Runs on the system's Node, with nothing installed.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt, serverArguments } from './ensure-build.mjs'
import { ensureInstalled } from './ensure-install.mjs'
import { findNode } from './pinned-node.mjs'
import { main, root } from './project.mjs'
import { runCommand } from './run-command.mjs'
import { withLock } from './take-lock.mjs'

await main(async () => {
  await withLock('build', async () => {
    await ensureInstalled()
    await ensureBuilt()
  })
  // Nitro prefers NITRO_PORT; one variable decides.
  const env = { NODE_ENV: 'production', ...process.env, NITRO_PORT: undefined }
  const settings = existsSync(join(root, '.env')) ? ['--env-file=.env'] : []
  process.exitCode = await runCommand(findNode(), [...settings, ...serverArguments], { env })
})
