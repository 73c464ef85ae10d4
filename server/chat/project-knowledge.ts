import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm'
import type { Orm } from '../../db/client'
import { prepareOnce } from '../../db/prepare-once'
import { files } from '../../db/schema'
import type { Runtime } from '../runtime'
import type { ReadingModel } from '../../shared/project-files'
import { PROJECT_FILES_MAX, chooseProjectFiles, describeFiles } from '../../shared/project-files'
import type { ContextFile } from './trim-context'

/** What a project's own files give to each of its conversations. */
interface ProjectKnowledge {
  /** For the instructions: the texts, and the names of the others. Empty without files. */
  text: string
  /** The pictures and PDFs that come with the first question. */
  shown: ContextFile[]
}

const filesOfProject = prepareOnce(orm => orm
  .select({ fileId: files.id, name: files.name, kind: files.kind, mime: files.mime, sizeBytes: files.sizeBytes })
  .from(files)
  .where(and(eq(files.orgId, sql.placeholder('orgId')), eq(files.projectId, sql.placeholder('projectId')), eq(files.inProject, true), isNull(files.removedAt)))
  .orderBy(asc(files.id))
  .limit(PROJECT_FILES_MAX)
  .prepare('files_of_project'))

/** What is given of a project's files to a model, as `chooseProjectFiles` says. */
export async function projectKnowledge({ db: { orm } }: Pick<Runtime, 'db'>, orgId: string, projectId: string, model: ReadingModel): Promise<ProjectKnowledge> {
  const given = await filesOfProject(orm).execute({ orgId, projectId })
  if (given.length === 0) return { text: '', shown: [] }
  const chosen = chooseProjectFiles(given, model)
  const texts = await readTexts(orm, orgId, chosen.read.map(({ fileId }) => fileId))
  return { text: describeFiles(chosen, ({ fileId }) => texts.get(fileId) ?? ''), shown: chosen.shown }
}

/** By the files' ids. */
async function readTexts(orm: Orm, orgId: string, ids: string[]): Promise<Map<string, string>> {
  const rows = await orm.select({ id: files.id, text: files.beginning }).from(files).where(and(eq(files.orgId, orgId), inArray(files.id, ids)))
  return new Map(rows.map(({ id, text }) => [id, text ?? '']))
}
