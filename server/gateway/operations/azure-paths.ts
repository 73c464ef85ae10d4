import { parseJson } from '../../../shared/parse-json'
import { encodeBody } from '../providers/encode-body'
import type { Operation } from './operation'

const DEPLOYMENT = /^\/openai\/deployments\/([^/]+)\/(.+)$/
const PLAIN = /^\/openai\/(?:v1\/)?(.+)$/

/**
 * The operation behind a path as Azure OpenAI has it, so that its SDKs change only the address: `/openai/deployments/{model}/…`,
 * `/openai/v1/…` and `/openai/…`. The `api-version` is not looked at: there is one version here.
 * @param path without its query
 */
export function findAzureOperation(path: string, byPath: ReadonlyMap<string, Operation>): Operation | undefined {
  const [, deployment, rest] = DEPLOYMENT.exec(path) ?? [undefined, undefined, PLAIN.exec(path)?.[1]]
  const operation = byPath.get(`/v1/${rest}`)
  if (!operation || deployment === undefined) return operation
  const model = decode(deployment)
  if (model === undefined) return undefined
  const { parse, parseUpload, parseDescribed } = operation
  return {
    ...operation,
    parse: (raw, headers) => parse(withModel(raw, model), headers),
    ...(parseUpload && { parseUpload: upload => parseUpload(upload, model) }),
    ...(parseDescribed && { parseDescribed: (fields, fileBytes) => parseDescribed({ ...fields, model }, fileBytes) })
  }
}

/** The body under the model that the path names, whatever it says itself: that is how Azure reads it. */
function withModel(raw: Buffer, model: string): Buffer {
  const body = parseJson(raw.toString('utf8'))
  if (typeof body !== 'object' || body === null || Array.isArray(body) || ('model' in body && body.model === model)) return raw
  return Buffer.from(encodeBody({ ...body, model }))
}

/** Undefined for what is no percent-encoded text. */
function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
