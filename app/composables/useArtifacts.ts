import type { Artifact } from '#shared/artifacts'
import type { Message } from '#shared/messages'
import { useApi } from '~/composables/useApi'
import { toApiError } from '~/utils/api-error'
import { useMediaQuery } from '@vueuse/core'
import type { Translate } from '~/utils/translate'

/** A version of a document, as a tool's result names it. */
export interface ArtifactName { path: string, version: number }

interface Answering {
  /** The answer being written. */
  live: () => Message | undefined
  /** The newest one that has ended. */
  last: () => Message | undefined
  busy: Readonly<Ref<boolean>>
}

/** Which document stands beside the thread. Where there is room for it, what an answer writes opens by itself, once. */
export function useOpenArtifact({ live, last, busy }: Answering) {
  const opened = shallowRef<ArtifactName>()
  const isWide = useMediaQuery('(min-width: 1024px)')
  let offered: string | undefined

  function offer(answer: Message | undefined) {
    const made = answer?.parts.flatMap(part => part.type === 'tool_result' && part.artifact ? [part.artifact] : []).at(-1)
    const name = made && `${answer?.id} ${made.version} ${made.path}`
    if (!made || name === offered) return
    offered = name
    if (isWide.value) opened.value = made
  }
  watch(live, offer)
  // A quick answer has ended before it was drawn even once.
  watch(busy, isBusy => isBusy || offer(last()))
  return { opened, isWide }
}

/** The documents of a conversation. */
export function useArtifacts(conversationId: () => string) {
  const { t } = useI18n()
  const api = useApi()
  const all = shallowRef<Artifact[]>([])
  const error = shallowRef<{ message: string }>()
  const texts = new Map<string, Promise<string>>()

  async function refresh() {
    error.value = undefined
    try {
      all.value = (await api(import('#shared/artifacts').then(({ ArtifactList }) => ArtifactList), `/api/conversations/${conversationId()}/artifacts`)).artifacts
    } catch (thrown) {
      error.value = toApiError(thrown, t)
    }
  }

  /** A version never changes, so it is read once. @throws {ApiError} */
  function read({ id }: Artifact): Promise<string> {
    const text = texts.get(id) ?? fetchText(`/api/artifacts/${id}/content`, t)
    texts.set(id, text)
    text.catch(() => texts.delete(id))
    return text
  }

  return { all, error, refresh, read }
}

async function fetchText(path: string, t: Translate): Promise<string> {
  const response = await fetch(path)
  if (!response.ok) throw toApiError({ statusCode: response.status }, t)
  return response.text()
}
