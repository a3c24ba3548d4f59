# syntax=docker/dockerfile:1

# The full image has the compiler and Python that better-sqlite3 needs where no built file is offered
FROM node:24-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Without scripts: `prepare` needs the sources, and the tests' PostgreSQL is not wanted here
RUN npm ci --ignore-scripts && npm rebuild better-sqlite3
COPY build.js tsconfig.json ./
COPY engine engine
COPY twins twins
COPY adapters adapters
COPY identity identity
COPY features features
COPY tools tools
COPY api api
RUN node build.js && npm prune --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    HTTP_HOST=0.0.0.0 \
    DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY migrations migrations
# A named volume takes the owner over from the image
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 3000
# A process without its database or broker is alive; /readyz tells whether it can work. The certificate names
# the host that people know and not this one
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "const { TLS_CERT_FILE: tls, HTTP_PORT: port } = process.env; require(tls ? 'https' : 'http').get({ host: '127.0.0.1', port: port || 3000, path: '/healthz', rejectUnauthorized: false }, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# A young generation in which a busy engine's batches end: a tenth more events
ENTRYPOINT ["node", "--max-semi-space-size=64", "dist/api/main.js"]
CMD ["start"]
