import { Readable } from 'node:stream'
import { readImage } from '../artifacts/read-image'
import { LoomError } from '../errors'
import type { AttachedFile } from '../files/attach-files'
import { storeFile } from '../files/store-file'
import { reportFailure } from './report-failure'
import type { ToolRun } from './run-tool-calls'

/**
 * Keeps the pictures that a model has made since this was last called, each as a part of the answer; of one that cannot be kept, the answer says why.
 * Until the answer is settled they are files of the project that were not sent: shown to whoever may see it, and swept if their answer is lost.
 */
export async function keepPictures(run: Omit<ToolRun, 'tools'>): Promise<void> {
  const { assembler, publish } = run
  for (const written of assembler.newPictures()) {
    const kept = await keepPicture(run, written)
    const at = new Date().toJSON()
    publish('failure' in kept ? assembler.say(`[A picture of this answer was not kept: ${kept.failure}]`) : assembler.takeWhole({ ...kept, type: 'image', index: assembler.nextIndex(), startedAt: at, completedAt: at }))
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
