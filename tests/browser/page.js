// The functions on `window` by which tests operate both versions of Uppy.

const MIB = 2 ** 20
const query = new URLSearchParams(location.search)

export function start({ Uppy, AwsS3, GoldenRetriever, endpoint }) {
  const uppy = new Uppy({ id: 'tests' })
  uppy.use(AwsS3, {
    ...endpoint(query.get('api')),
    shouldUseMultipart: query.has('multipart'),
    limit: Number(query.get('limit') ?? 6),
  })
  if (query.has('retriever')) {
    // Without a service worker, Golden Retriever keeps only files of up to 10 MiB by default.
    const indexedDB = { maxFileSize: 64 * MIB, maxTotalSize: 64 * MIB }
    uppy.use(GoldenRetriever, { indexedDB })
  }
  Object.assign(window, { uppy, addFile, uploaded, retried, restored, sent, whenSent })
  window.isRestored = false
  uppy.on('restored', () => { window.isRestored = true })

  function addFile(name, size, seed, type, meta) {
    return uppy.addFile({ name, type, meta, data: new Blob([someBytes(size, seed)], { type }) })
  }

  function sent() {
    return uppy.getFiles().reduce((sum, file) => sum + file.progress.bytesUploaded, 0)
  }

  // Runs `action` as soon as this many bytes were sent.
  function whenSent(bytes, action) {
    const look = () => {
      if (sent() < bytes) return
      uppy.off('upload-progress', look)
      action()
    }
    uppy.on('upload-progress', look)
  }
}

async function uploaded() {
  return summarise(await window.uppy.upload())
}

// Resumes the uploads that Golden Retriever restored after a reload, as its dialogue does.
async function restored() {
  const complete = new Promise((resolve) => window.uppy.once('complete', resolve))
  window.uppy.emit('restore-confirmed')
  return summarise(await complete)
}

async function retried() {
  return summarise(await window.uppy.retryAll())
}

function summarise(result) {
  return {
    successful: result.successful.map((file) => ({
      name: file.name,
      url: file.uploadURL,
      key: file.response?.body?.key ?? null,
    })),
    failed: result.failed.map((file) => ({ name: file.name, error: String(file.error) })),
  }
}

// The bytes of `some_bytes` in tests/e2e/upload.py.
function someBytes(size, seed) {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 1) {
    const index = at % 65537
    bytes[at] = (index * 7 + Math.floor(index / 256) + seed) % 256
  }
  return bytes
}
