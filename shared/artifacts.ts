import { z } from './zod'
import { imageMimes } from './files'
import { Id, Timestamp } from './json'

export const artifactKinds = ['file', 'file_diff', 'image'] as const

/** The longest version of a document, in UTF-16 code units; of an image, in base64. */
export const ARTIFACT_MAX = 500_000

/** How a version of a document is shown. */
export const artifactViews = ['markdown', 'html', 'svg', 'csv', 'code'] as const
export type ArtifactView = typeof artifactViews[number]

const viewOfExtension: Record<string, ArtifactView> = { md: 'markdown', markdown: 'markdown', html: 'html', htm: 'html', svg: 'svg', csv: 'csv', tsv: 'csv' }
const mimeOfView: Record<ArtifactView, string> = { markdown: 'text/markdown', html: 'text/html', svg: 'image/svg+xml', csv: 'text/csv', code: 'text/plain' }

const extensionOf = (path: string) => /\.(\w+)$/.exec(path)?.[1]?.toLowerCase() ?? ''

export const artifactView = (path: string): ArtifactView => viewOfExtension[extensionOf(path)] ?? 'code'
export const artifactMime = (path: string): string => mimeOfView[artifactView(path)]
/** An image made of bytes, which has no source to be read; an SVG has. */
export const isImageArtifact = ({ mime }: Pick<Artifact, 'mime'>): boolean => imageMimes.some(image => image === mime)
/** Named as an image that is made of bytes; what it is, its stored type tells. */
export const isImagePath = (path: string): boolean => /^(?:png|jpe?g|gif|webp)$/.test(extensionOf(path))
/** The language its source is coloured as. */
export const artifactLanguage = (path: string): string => extensionOf(path) || 'text'

/** A version of a document that a model made. */
export const Artifact = z.object({
  id: Id,
  path: z.string(),
  /** Of its path, from 1. */
  version: z.int(),
  mime: z.string(),
  sizeBytes: z.int(),
  sha256: z.string(),
  createdAt: Timestamp
})
export type Artifact = z.infer<typeof Artifact>

/** `GET /api/conversations/{id}/artifacts`: all versions of all paths, by path and version. `GET /api/artifacts/{id}/content` gives one as a download, `…/preview` a page to be framed. */
export const ArtifactList = z.object({ artifacts: z.array(Artifact) })
export type ArtifactList = z.infer<typeof ArtifactList>
