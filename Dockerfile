# docker build -t skillcache .
# docker run --rm -v skillcache:/data skillcache keys create --name first
# docker run --init --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -v skillcache:/data -p 7433:7433 skillcache
FROM node:22-bookworm-slim AS build
RUN apt-get update \
  && apt-get install --yes --no-install-recommends python3 make g++ \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json rolldown.config.mjs ./
COPY src ./src
# Builds dist/ too (the `prepare` script).
RUN npm ci && npm prune --omit=dev --ignore-scripts && npm cache clean --force

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY skills ./skills
COPY config ./config
RUN mkdir /data && chown node:node /data
# Nothing in the image is written to: the library is in the volume, what passes in /tmp.
USER node
VOLUME /data
EXPOSE 7433
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7433/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli/main.js", "--db", "/data/skills.db", "--config", "/app/config"]
CMD ["serve", "--host", "0.0.0.0"]
