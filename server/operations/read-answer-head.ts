import { z } from 'zod'
import { parseJson } from '../../shared/parse-json'

/** Longer ones are pictures and sound: they would take longer to read than what they tell is worth. */
const MAX_BYTES = 1024 * 1024

const text = z.string().nullish().catch(undefined)
const Answer = z.object({ id: text, model: text, stop_reason: text, choices: z.array(z.object({ finish_reason: text })).catch([]).default([]) })

/** What an answer of any format tells of itself. */
interface AnswerHead { id?: string | undefined, model?: string | undefined, finishReasons?: string[] | undefined }

/** Nothing of what tells nothing. */
export function readAnswerHead(body: Buffer | null): AnswerHead {
  const answer = body && body.length <= MAX_BYTES ? Answer.safeParse(parseJson(body.toString('utf8'))).data : undefined
  if (!answer) return {}
  const reasons = [...answer.choices.map(choice => choice.finish_reason), answer.stop_reason].filter(reason => typeof reason === 'string')
  return { id: answer.id ?? undefined, model: answer.model ?? undefined, finishReasons: reasons.length > 0 ? reasons : undefined }
}
