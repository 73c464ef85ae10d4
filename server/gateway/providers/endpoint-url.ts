import { LoomError } from '../../errors'

/**
 * `path` under a connection's base URL, whatever slashes either has; a query in the base URL is kept.
 * @throws {LoomError} `invalid_request` when the base URL is not plain http(s), or carries a user and password
 */
export function endpointUrl(baseUrl: string, path: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new LoomError('invalid_request', 'The connection needs a base URL like https://host/v1, without user or password. Correct it under Connections.')
  }
  url.hash = ''
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`
  return url
}
