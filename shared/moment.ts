import { z } from './zod'

/** A time in ISO 8601. PostgreSQL's calendar has no year 0. */
export const Moment = z.iso.datetime({ offset: true }).refine(text => !text.startsWith('0000'), 'no such year')
