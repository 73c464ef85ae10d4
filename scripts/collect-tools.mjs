import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const id = '\0tools'

/**
 * A plugin of Rollup, which builds the server, and of Vite, which runs its tests: the module `#tools` lists what the files of `folder` export as their
 * default, so that a tool is added by its file alone.
 * @param {string} folder
 */
export const collectTools = folder => ({
  name: 'loom:collect-tools',
  enforce: /** @type {const} */ ('pre'),
  resolveId: (/** @type {string} */ source) => source === '#tools' ? id : undefined,
  /** @this {{ addWatchFile: (path: string) => void }} */
  load(/** @type {string} */ loaded) {
    if (loaded !== id) return undefined
    // So that `npm run dev` reads it again when one comes or goes.
    this.addWatchFile(folder)
    const files = readdirSync(folder).filter(file => file.endsWith('.ts')).sort()
    const imports = files.map((file, index) => `import tool${index} from ${JSON.stringify(join(folder, file))}`)
    return `${imports.join('\n')}\nexport const tools = [${files.map((_, index) => `tool${index}`).join(', ')}]\n`
  }
})
