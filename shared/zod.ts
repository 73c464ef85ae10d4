import { z } from 'zod'

/** What `z` says of a type, in the words of who fills a form. */
const types: Record<string, string> = { string: 'text', number: 'a number', int: 'a whole number', boolean: 'true or false', array: 'a list', object: 'an object', record: 'an object', date: 'a date' }
const formats: Record<string, string> = { email: 'an email address', url: 'an address such as https://example.com', uuid: 'an id', datetime: 'a time such as 2026-01-31T09:00:00Z', date: 'a date such as 2026-01-31' }
const counted: Record<string, [one: string, many: string]> = { string: ['character', 'characters'], array: ['entry', 'entries'], set: ['entry', 'entries'] }

/**
 * What is wrong with a value, as a sentence that goes on from its field's name: the library's own speak of strings and of ">=1 characters".
 * Undefined where they will do; a contract's own message always wins.
 */
const inPlainWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type': {
      const type = types[issue.expected]
      return issue.input === undefined ? 'is missing' : type && `must be ${type}`
    }
    case 'invalid_value': return issue.values.length > 1 ? `must be one of ${issue.values.map(String).join(', ')}` : `must be ${String(issue.values[0])}`
    case 'invalid_format': {
      const format = formats[issue.format]
      return format && `must be ${format}`
    }
    case 'too_small': return describeBound(issue, issue.minimum, 'least', 'more than')
    case 'too_big': return describeBound(issue, issue.maximum, 'most', 'less than')
    case 'invalid_union': return 'is not understood'
    default: return undefined
  }
}

function describeBound({ origin, exact, inclusive, code }: z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig>, bound: number | bigint, most: string, beyond: string): string {
  const unit = counted[origin]
  const named = Number(bound).toLocaleString('en-US')
  if (!unit) return inclusive ? `must be at ${most} ${named}` : `must be ${beyond} ${named}`
  if (code === 'too_small' && Number(bound) === 1) return 'must not be empty'
  return `must have ${exact ? 'exactly' : `at ${most}`} ${named} ${unit[Number(bound) === 1 ? 0 : 1]}`
}

z.config({ customError: inPlainWords })

/** The library of our contracts: importing it from here makes them speak plainly. */
export { z }
