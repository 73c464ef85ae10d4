import type { z } from 'zod'
import { MAX_PROMPT_VALUES, readJson, readModelRequest } from './read-json'

/** What the request of every operation with a JSON body has: the body, parsed as far as the road must understand it, and the models it names. */
export abstract class JsonRequest<Body extends { model: string }> {
  readonly model: string
  readonly alternatives: readonly string[] | undefined
  readonly metadata: unknown
  body: Body

  /**
   * @param maxValues how many values the body may have
   * @param json what `raw` is, where that was read
   * @throws {LoomError} `invalid_request` naming the first field at fault
   */
  constructor(readonly raw: Buffer, schema: z.ZodType<Body>, maxValues = MAX_PROMPT_VALUES, json: unknown = readJson(raw, maxValues)) {
    const { body, alternatives, metadata } = readModelRequest(json, schema)
    this.body = body
    this.model = body.model
    this.alternatives = alternatives
    this.metadata = metadata
  }
}
