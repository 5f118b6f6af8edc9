// An OpenID provider on 127.0.0.1: node provider.js PORT KEYS_FILE
// KEYS_FILE has private keys as JSON Web Key Set; the provider signs with the first of them.
import { readFileSync } from 'node:fs'
import Provider from 'oidc-provider'

const [port, keysFile] = process.argv.slice(2)

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'site',
      client_secret: 'a secret of the test',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'ES256',
      token_endpoint_auth_method: 'client_secret_post',
    },
  ],
  jwks: JSON.parse(readFileSync(keysFile, 'utf8')),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:uploads',
      getResourceServerInfo: () => ({
        scope: 'multipart-upload:act-for',
        audience: 'uploads',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})
provider.listen(Number(port), '127.0.0.1')
