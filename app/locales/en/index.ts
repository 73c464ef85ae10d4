import app from './app.json'
import artifact from './artifact.json'
import auth from './auth.json'
import chat from './chat.json'
import common from './common.json'
import conversation from './conversation.json'
import limits from './limits.json'
import markdown from './markdown.json'
import member from './member.json'
import project from './project.json'

/** What Loom says in English where everybody meets it, a file an area; the rest is in `admin.ts`. */
export const en = { app, artifact, auth, chat, common, conversation, limits, markdown, member, project }
