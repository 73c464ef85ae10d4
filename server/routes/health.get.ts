import { defineEventHandler } from 'h3'

/** Public: the process answers. Says nothing else. */
export default defineEventHandler(() => ({ status: 'ok' }))
