import { setResponseHeaders } from 'h3'
import { defineNitroPlugin } from 'nitropack/runtime'

/**
 * What every answer says to browsers, those of `/api` and files too: pages set a policy of their own over it when they are rendered. Data is no page, so
 * nothing in it may run, and nobody may frame it. A page shows what its reader may see: no browser keeps it for whoever goes back to it after them.
 */
export default defineNitroPlugin(({ hooks }) => {
  hooks.hook('request', (event) => {
    setResponseHeaders(event, {
      'content-security-policy': 'default-src \'none\'; frame-ancestors \'none\'',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer'
    })
  })
  hooks.hook('render:response', (response) => {
    response.headers = { ...response.headers, 'cache-control': 'private, no-store' }
  })
})
