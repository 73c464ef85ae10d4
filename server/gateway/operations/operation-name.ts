/** The endpoints of the road; a trace's and a metric's `endpoint`. */
export type OperationName = 'chat.completions' | 'completions' | 'responses' | 'messages' | 'messages.count_tokens' | MediaOperationName
export type MediaOperationName = 'embeddings' | 'images.generations' | 'images.edits' | 'audio.speech' | 'audio.transcriptions' | 'audio.translations' | 'moderations' | 'rerank'
