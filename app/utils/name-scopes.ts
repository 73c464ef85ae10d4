import type { KeyScope } from '#shared/keys'
import type { Translate } from './translate'

/** What a key may do, in words. */
export function nameScopes(scopes: readonly KeyScope[], t: Translate): string {
  return scopes.map(scope => t(`key.scopes.${scope}`)).join(', ')
}
