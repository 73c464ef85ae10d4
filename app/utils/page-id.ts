import { makeId } from '~/utils/make-id'

let id: string | undefined

/** Names this page to the server for as long as it is loaded. In the browser alone: on the server, one would serve all. */
export const pageId = () => id ??= makeId()
