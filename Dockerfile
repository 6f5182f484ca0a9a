# One image for server and worker: `node server.ts` (what it runs unless told otherwise), `node worker.ts`.
# With the target `sandbox`, the same and the fake platforms (docker-compose.yml, profile sandbox).

FROM node:24-bookworm-slim AS build
WORKDIR /everpost
COPY package.json package-lock.json ./
# No package needs its install script here, so none of them runs.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force
# The SDK brings its native part for five platforms; an image needs one of them.
RUN case "$(uname -m)" in x86_64) keep=x86_64 ;; *) keep=aarch64 ;; esac \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name "$keep-unknown-linux-gnu" -exec rm -r {} + \
  && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' \) -type f -delete
COPY server.ts worker.ts config.ts durations.ts partly-published.ts patience.ts plan.ts reading.ts startup.ts started.ts watchdog.ts workflow-bundle.ts ./
COPY activities activities
COPY api api
COPY crypto crypto
COPY db db
COPY media media
COPY metrics metrics
COPY providers providers
COPY scripts scripts
COPY settings settings
COPY stack stack
COPY temporal temporal
COPY workflows workflows
RUN npm run build:workflows

FROM node:24-bookworm-slim AS everpost
# What a container answers on is reached by its network only, until a port of it is published.
ENV HOST=0.0.0.0 PORT=3000 EVERPOST_WORKER_PORT=3001 EVERPOST_DIR=/var/lib/everpost
# A volume that is mounted here for the first time takes its owner from this folder.
RUN install -d -o node -g node -m 0700 /var/lib/everpost /var/lib/everpost/media
WORKDIR /everpost
COPY --from=build /everpost .
# By number, so that an orchestrator can tell that it is not root. The user is `node`.
USER 1000:1000
EXPOSE 3000 3001
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "scripts/health.ts"]
CMD ["node", "server.ts"]

FROM everpost AS sandbox
COPY sandbox sandbox
EXPOSE 4000
CMD ["node", "sandbox/main.ts"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "scripts/health.ts", "http://127.0.0.1:4000/_sandbox/clock"]

# Built unless another target is named.
FROM everpost
