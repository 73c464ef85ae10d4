import alert from './alert.json'
import app from './app.json'
import artifact from './artifact.json'
import audit from './audit.json'
import auth from './auth.json'
import chart from './chart.json'
import chat from './chat.json'
import common from './common.json'
import connection from './connection.json'
import conversation from './conversation.json'
import dashboard from './dashboard.json'
import key from './key.json'
import limits from './limits.json'
import markdown from './markdown.json'
import member from './member.json'
import model from './model.json'
import overview from './overview.json'
import platform from './platform.json'
import project from './project.json'
import reference from './reference.json'
import settings from './settings.json'
import trace from './trace.json'
import wallet from './wallet.json'

/** What Loom says in English, a file an area. */
export const en = {
  alert, app, artifact, audit, auth, chart, chat, common, connection, conversation, dashboard, key, limits, markdown, member, model, overview, platform, project, reference, settings, trace, wallet
}
