import { Readable } from 'node:stream'
import { readImage } from '../artifacts/read-image'
import { LoomError } from '../errors'
import type { AttachedFile } from '../files/attach-files'
import { storeFile } from '../files/store-file'
import { reportFailure } from './report-failure'
import type { ToolRun } from './run-tool-calls'

/**
 * Keeps the pictures that a model makes in one step, one at a time as they come, so that no more of them are in memory than come at once; of one
 * that cannot be kept, the answer says why. They take their places in the answer behind the words of the step, which they would cut in two.
 * Until the answer is settled they are files of the project that were not sent: shown to whoever may see it, and swept if their answer is lost.
 */
export function keepPictures(run: Omit<ToolRun, 'tools'>) {
  const { assembler, publish } = run
  const kept: (AttachedFile | { failure: string })[] = []
  let keeping = Promise.resolve()
  let waiting = 0

  return {
    /** Takes what has come since this was last called. */
    take(): void {
      for (const written of assembler.newPictures()) {
        waiting += 1
        keeping = keeping.then(async () => {
          kept.push(await keepPicture(run, written))
          waiting -= 1
        })
      }
    },
    /** Resolves when all that were taken are kept; undefined when they are. */
    whenKept: () => waiting > 0 ? keeping : undefined,
    /** To be called when the step is over. */
    async show(): Promise<void> {
      await keeping
      for (const picture of kept) {
        const at = new Date().toJSON()
        publish('failure' in picture
          ? assembler.say(`[A picture of this answer was not kept: ${picture.failure}]`)
          : assembler.takeWhole({ ...picture, type: 'image', index: assembler.nextIndex(), startedAt: at, completedAt: at }))
      }
    }
  }
}

async function keepPicture({ runtime, scope, projectId, answer }: Omit<ToolRun, 'tools'>, written: string): Promise<AttachedFile | { failure: string }> {
  try {
    const image = await readImage(written)
    if (!image) return { failure: 'it is no PNG, JPEG, GIF or WebP.' }
    const { bytes, mime } = image
    const { id: fileId, name, sizeBytes } = await storeFile(runtime, scope, projectId, { name: `picture.${mime.slice('image/'.length)}`, inProject: false, contentType: mime }, Readable.from([bytes]))
    return { type: 'image', fileId, name, mime, sizeBytes }
  } catch (error) {
    if (error instanceof LoomError) return { failure: error.message }
    reportFailure(runtime, 'chat_picture', error, { orgId: answer.orgId, messageId: answer.message.id })
    return { failure: 'something went wrong on our side.' }
  }
}
