import { tools } from '#tools'
import { z } from 'zod'
import type { Tool } from './tool'

const Settings = z.object({ webTools: z.boolean().default(false) })

/** The tools that answers in an org with those settings may call, and how a chat completion is told of them. */
export function offerTools(orgSettings: unknown) {
  const settings = Settings.parse(orgSettings)
  const offered = tools.filter(({ setting }) => setting === undefined || settings[setting])
  return {
    find: (name: string): Tool | undefined => offered.find(tool => tool.name === name),
    asRequest: offered.map(({ name, description, parameters }) => ({ type: 'function' as const, function: { name, description, parameters } }))
  }
}
export type OfferedTools = ReturnType<typeof offerTools>
