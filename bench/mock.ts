import { startMockUpstream } from '../tests/support/mock-upstream'
import { mockModels } from './mock-models'

const [port = ''] = process.argv.slice(2)
await startMockUpstream({ record: false, port: Number(port), models: mockModels })
process.send?.('ready')
process.on('disconnect', () => process.exit(0))
