import { PASSWORD_MIN_LENGTH } from '#shared/identity'
import type { Translate } from './translate'

/** The fields of the forms that let people in, as browsers and password managers know them. */
export function authFields(t: Translate) {
  return {
    name: { name: 'name', label: t('common.name'), type: 'text', autocomplete: 'name' },
    email: { name: 'email', label: t('common.email'), type: 'email', autocomplete: 'username' },
    password: { name: 'password', label: t('common.password'), type: 'password', autocomplete: 'current-password' },
    newPassword: { name: 'password', label: t('common.password'), type: 'password', autocomplete: 'new-password', help: t('auth.fields.atLeastCharacters', { min: PASSWORD_MIN_LENGTH }) }
  } as const
}
