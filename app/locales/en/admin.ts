import alert from './alert.json'
import audit from './audit.json'
import chart from './chart.json'
import connection from './connection.json'
import dashboard from './dashboard.json'
import key from './key.json'
import model from './model.json'
import overview from './overview.json'
import platform from './platform.json'
import reference from './reference.json'
import settings from './settings.json'
import trace from './trace.json'
import wallet from './wallet.json'

/** What the dashboard and the reference of the API say, which the chat does without. */
export const enAdmin = { alert, audit, chart, connection, dashboard, key, model, overview, platform, reference, settings, trace, wallet }
