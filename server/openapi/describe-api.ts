import { z } from 'zod'
import { version } from '../../package.json'
import { WireAnthropicError, WireError } from '../../shared/wire'
import { operations } from '../gateway/operations/registry'
import { answerHeaders, lookUpHeaders, referToHeaders, refusalHeaders, requestHeaders } from './headers'
import { describeOperation } from './operation-references'
import { recordReferences } from './record-references'
import { describeErrors, errorResponses } from './errors'
import type { RouteReference } from './route-reference'

type Json = Record<string, unknown>

const INTRODUCTION = `Send an API key as \`Authorization: Bearer …\`, \`x-api-key\` or \`api-key\`. Keys have scopes; each operation names the one it needs, or those of which one suffices.

The official SDKs of OpenAI and Anthropic work with only their base URL changed. Every model call takes the same road: it is authorised, held against the
budget, traced, and charged once. Its \`x-request-id\` is the id of its trace.`

/** The OpenAPI 3.1 description of `/v1`, made of the contracts that the routes themselves parse and write. */
export function describeApi(): Json {
  const routes = [...operations.map(describeOperation), ...recordReferences]
  const paths: Record<string, Json> = {}
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: describeRoute(route) }
  return {
    openapi: '3.1.0',
    info: { title: 'Loom', version, description: INTRODUCTION },
    servers: [{ url: '/' }],
    tags: [{ name: 'Models', description: 'Calls of models, and which there are.' }, { name: 'Records', description: 'What was called, used and paid.' }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'As OpenAI\'s SDKs send it.' },
        anthropic: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'As Anthropic\'s SDKs send it.' },
        azure: { type: 'apiKey', in: 'header', name: 'api-key', description: 'As Azure\'s SDKs send it.' }
      },
      schemas: { Error: toJsonSchema(WireError, 'output'), AnthropicError: toJsonSchema(WireAnthropicError, 'output') },
      headers: { ...answerHeaders, ...refusalHeaders },
      responses: errorResponses()
    }
  }
}

function describeRoute(route: RouteReference): Json {
  const { answers, body, callsModel, description, errors, headers = [], method, path, scopes, summary, tag } = route
  return {
    'operationId': `${method}_${path.replace(/^\/v1\//, '').replace(/\W+/g, '_').replace(/_$/, '')}`,
    'tags': [tag],
    summary,
    ...(description && { description }),
    'x-loom-scopes': scopes,
    'security': ['bearer', 'anthropic', 'azure'].flatMap(scheme => scopes.map(scope => ({ [scheme]: [scope] }))),
    'parameters': [...describeParameters(route), ...(callsModel ? requestHeaders : headers)],
    ...((callsModel || body) && { requestBody: describeBody(body) }),
    'responses': {
      200: {
        description: 'The answer.',
        ...(scopes.length > 0 && { headers: referToHeaders(callsModel ? Object.keys(answerHeaders) : lookUpHeaders, errors) }),
        content: Object.fromEntries(Object.entries(answers).map(([type, schema]) => [type, { schema: toJsonSchema(schema, 'output') }]))
      },
      ...(scopes.length > 0 && describeErrors(route))
    }
  }
}

function describeBody(body: RouteReference['body'] = { 'application/json': z.looseObject({ model: z.string() }) }): Json {
  return { required: true, content: Object.fromEntries(Object.entries(body).map(([type, schema]) => [type, { schema: toJsonSchema(schema, 'input') }])) }
}

function describeParameters({ pathParameters = {}, query }: RouteReference): Json[] {
  const inPath = Object.entries(pathParameters).map(([name, description]) => ({ name, in: 'path', required: true, description, schema: { type: 'string' } }))
  const { properties = {}, required = [] } = query ? QuerySchema.parse(toJsonSchema(query, 'input')) : {}
  return [...inPath, ...Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }))]
}

const QuerySchema = z.object({ properties: z.record(z.string(), z.unknown()).optional(), required: z.array(z.string()).optional() })

function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}
