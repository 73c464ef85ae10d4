import { z } from 'zod'
import { fieldOf } from '../field-of'
import { listOf } from '../list-of'
import { encodeBody } from '../providers/encode-body'
import { wrapInput } from './custom-input'
import { ownTools } from './responses-body'
import { markedToolName, shortToolName } from './tool-names'
import { isHostedSearch } from './unpriced'

const unknownTool: z.core.$ZodErrorMap = ({ input }) => {
  const type = fieldOf(input, 'type')
  if (typeof type !== 'string') return undefined
  if (ownTools.has(type) && !isHostedSearch(input)) return 'is known to OpenAI\'s models alone: this model takes functions, custom tools and namespaces of them'
  return `is run by OpenAI, and this model is not OpenAI's${type === 'web_search' ? ': leave it out (in Codex\'s configuration, web_search = "disabled")' : ''}`
}

const FunctionTool = z.object({
  type: z.literal('function'),
  name: z.string(),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish()
})
const CustomTool = z.object({
  type: z.literal('custom'),
  name: z.string(),
  description: z.string().nullish(),
  format: z.discriminatedUnion('type', [z.object({ type: z.literal('text') }), z.object({ type: z.literal('grammar'), syntax: z.string(), definition: z.string() })]).nullish()
})
const Callable = z.discriminatedUnion('type', [FunctionTool, CustomTool], { error: unknownTool })
type Callable = z.infer<typeof Callable>

/** Tools of a Responses request that its caller runs, and any model can be told of. */
export const OwnTool = z.discriminatedUnion('type', [
  FunctionTool,
  CustomTool,
  z.object({ type: z.literal('namespace'), name: z.string(), description: z.string().nullish(), tools: listOf(Callable) })
], { error: unknownTool })
export type OwnTool = z.infer<typeof OwnTool>

const OwnTools = z.array(OwnTool)

/** How much longer than tools as they come is what a model is told of them that takes functions alone; nothing for those that it cannot be told of. */
export function bytesAddedTo(tools: readonly unknown[]): number {
  if (tools.every(tool => fieldOf(tool, 'type') === 'function')) return 0
  const { data } = OwnTools.safeParse(tools)
  if (!data) return 0
  const { functions, notes } = new ToolsAsFunctions(data)
  return Math.max(0, Buffer.byteLength(encodeBody([functions, notes])) - Buffer.byteLength(encodeBody(tools)))
}

/** A tool that is called, as its caller named it. */
export interface CalledTool extends Named { type: 'function' | 'custom' }
interface Named { name: string, namespace?: string | null | undefined }

/** The tools of a Responses request as a model knows them that takes functions alone. One that is told again is as it was told last. */
export class ToolsAsFunctions {
  /** As a chat takes them. */
  readonly functions: object[]
  /** What is said of namespaces, once for all that is in them. */
  readonly notes: string
  private readonly called: Map<string, CalledTool>
  /** Whose the names are that come of joining a namespace's to a tool's. */
  private readonly owners = new Map<string, string>()

  constructor(tools: readonly OwnTool[]) {
    const all = tools.flatMap((tool): (Callable & Named)[] => tool.type === 'namespace' ? tool.tools.map(inner => ({ ...inner, namespace: tool.name })) : [tool])
    for (const tool of all) {
      const [name, identity] = [joinedName(tool), identityOf(tool)]
      // A name that two would have is nobody's.
      this.owners.set(name, [undefined, identity].includes(this.owners.get(name)) ? identity : '')
    }
    const named = all.map(tool => [this.nameOf(tool), tool] as const)
    this.called = new Map(named)
    this.functions = [...new Map(named.map(([name, tool]) => [name, { type: 'function', function: { name, ...asFunction(tool) } }])).values()]
    this.notes = [...new Map(tools.flatMap(tool => tool.type === 'namespace' && tool.description ? [[tool.name, noteOf(tool.name, tool.description)] as const] : [])).values()].join('\n\n')
  }

  /** The name of a tool's function: the same in every turn, whether or not the tool is still there. */
  nameOf(tool: Named): string {
    const [joined, identity] = [joinedName(tool), identityOf(tool)]
    if (!tool.namespace) return shortToolName(joined)
    return (this.owners.get(joined) ?? identity) === identity ? shortToolName(joined) : markedToolName(joined, identity)
  }

  /** The tool of a function that the model calls, there or not. */
  calledBy(name: string): CalledTool {
    return this.called.get(name) ?? { type: 'function', name }
  }
}

function joinedName({ name, namespace }: Named): string {
  return namespace ? withoutSigns(prefixOf(namespace) + name) : name
}

function prefixOf(namespace: string): string {
  return namespace.endsWith('__') ? namespace : `${namespace}__`
}

/** As OpenAI and others take names of functions. */
function withoutSigns(name: string): string {
  return name.replace(/[^\w-]/g, '_')
}

function noteOf(namespace: string, description: string): string {
  return `Functions whose names begin with "${withoutSigns(prefixOf(namespace))}": ${description}`
}

function identityOf({ name, namespace }: Named): string {
  return JSON.stringify([namespace || null, name])
}

/** A custom tool's grammar is told in words, for nothing else holds the model to it. */
function asFunction(tool: Callable): object {
  if (tool.type === 'function') {
    const { description, parameters, strict } = tool
    return { ...(description && { description }), ...(parameters && { parameters }), ...(typeof strict === 'boolean' && { strict }) }
  }
  const { description, format } = tool
  const grammar = format?.type === 'grammar' ? `The text must match this ${format.syntax} grammar:\n${format.definition}` : ''
  const told = `It takes a text, which is the value of "input" whatever else is said here of JSON: as in ${wrapInput('the text')}.`
  return {
    description: [description, told, grammar].filter(Boolean).join('\n\n'),
    parameters: { type: 'object', properties: { input: { type: 'string', description: 'The text, and nothing else.' } }, required: ['input'], additionalProperties: false }
  }
}
