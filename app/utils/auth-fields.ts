import { PASSWORD_MIN_LENGTH } from '#shared/identity'

/** The fields of the forms that let people in, as browsers and password managers know them. */
export const authFields = {
  name: { name: 'name', label: 'Name', type: 'text', autocomplete: 'name' },
  email: { name: 'email', label: 'Email', type: 'email', autocomplete: 'username' },
  password: { name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password' },
  newPassword: { name: 'password', label: 'Password', type: 'password', autocomplete: 'new-password', help: `At least ${PASSWORD_MIN_LENGTH} characters.` }
} as const
