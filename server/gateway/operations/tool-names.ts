import { createHash } from 'node:crypto'
import { fieldOf } from '../field-of'

/** The longest name of a function that OpenAI takes. Source: the OpenAI API reference, "Create chat completion". Anthropic takes 128. */
const MAX_NAME_LENGTH = 64

/** The name of a tool as OpenAI takes it; one that is too long becomes the same wherever it stands, and no other does. */
export function shortToolName(name: string): string {
  return name.length <= MAX_NAME_LENGTH ? name : markedToolName(name, name)
}

/** A name that OpenAI takes, and that no other `identity` has: as much of `name` as there is room for, and a mark. */
export function markedToolName(name: string, identity: string): string {
  return `${name.slice(0, MAX_NAME_LENGTH - 9)}_${createHash('sha256').update(identity).digest('hex').slice(0, 8)}`
}

/** What turns the names that `shortToolName` made of those of `tools` back into them. */
export function fullNamesOf(tools: readonly unknown[] | null | undefined): (name: string) => string {
  const names = new Map((tools ?? []).flatMap((tool) => {
    const name = fieldOf(tool, 'name')
    return typeof name === 'string' && name.length > MAX_NAME_LENGTH ? [[shortToolName(name), name] as const] : []
  }))
  return name => names.get(name) ?? name
}
