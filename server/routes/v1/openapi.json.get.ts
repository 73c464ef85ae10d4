import { defineEventHandler, setResponseHeader } from 'h3'
import { describeApi } from '../../openapi/describe-api'

let description: ReturnType<typeof describeApi> | undefined

/** Public: how `/v1` is spoken to. Made once. */
export default defineEventHandler((event) => {
  setResponseHeader(event, 'cache-control', 'public, max-age=300')
  return description ??= describeApi()
})
