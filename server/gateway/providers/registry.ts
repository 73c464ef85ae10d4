import type { ProviderKind } from '../../../shared/catalog'
import { anthropic } from './anthropic'
import { azure } from './azure'
import { demo } from './demo'
import { google } from './google'
import { openai } from './openai'
import { openaiCompatible } from './openai-compatible'
import type { Provider } from './provider'

export const providers: Readonly<Record<ProviderKind, Provider>> = {
  openai,
  azure,
  anthropic,
  google,
  'openai-compatible': openaiCompatible,
  demo
}
