import { defineNitroPlugin } from 'nitropack/runtime'
import { nothingAt } from '../utils/nothing-at'

/** Requests that no route takes end at the pages. A program that asks gets no page, and costs no rendering of one. */
export default defineNitroPlugin(({ hooks }) => {
  hooks.hook('render:before', (context) => {
    const body = nothingAt(context.event.method, context.event.path)
    if (body) context.response = { statusCode: 404, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  })
})
