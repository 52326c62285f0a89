import { openFileStore } from '../../storage/index.ts'
import { contract } from './contract.ts'

contract('memory', () => openFileStore('memory:'))
