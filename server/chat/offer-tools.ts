import { eq } from 'drizzle-orm'
import { z } from 'zod'
import { orgs } from '../../db/schema'
import type { Runtime } from '../runtime'
import { tools } from './tools/registry'
import type { Tool } from './tools/tool'

const Settings = z.object({ webTools: z.boolean().default(false) })

/** The tools that answers in an org may call, and how a chat completion is told of them. */
export async function offerTools({ db: { orm } }: Pick<Runtime, 'db'>, orgId: string) {
  const [org] = await orm.select({ settings: orgs.settings }).from(orgs).where(eq(orgs.id, orgId))
  const settings = Settings.parse(org?.settings ?? {})
  const offered = tools.filter(({ setting }) => setting === undefined || settings[setting])
  return {
    find: (name: string): Tool | undefined => offered.find(tool => tool.name === name),
    asRequest: offered.map(({ name, description, parameters }) => ({ type: 'function' as const, function: { name, description, parameters } }))
  }
}
export type OfferedTools = Awaited<ReturnType<typeof offerTools>>
