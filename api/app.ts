import type { IncomingMessage } from 'node:http';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { guardRoutes, identifyCallers } from './access.ts';
import { AccountView } from './account-view.ts';
import { readBodies } from './bodies.ts';
import { createMediaRegister } from '../db/media-store.ts';
import { createMediaHome, watchMediaHome } from '../media/home.ts';
import type { Deps, GivenDeps } from './deps.ts';
import { answerBadUrl, answerFailures } from './failures.ts';
import { limitRates } from './limits.ts';
import { endIdleConnections, endUnreadBodies } from './closing.ts';
import { logger, logRequests, requestId } from './logging.ts';
import { answerMalformedHttp, answerOddHttp } from './malformed-http.ts';
import { MediaView } from './media-view.ts';
import { CommentView } from './comment-view.ts';
import { cleanForwardedFor } from './forwarded.ts';
import { overrideMethod } from './method-override.ts';
import { measure } from './metrics.ts';
import { CONTENT_VIEWS } from './content-view.ts';
import { describeApi } from './openapi.ts';
import { PostView } from './post-view.ts';
import { accountRoutes } from './routes/accounts.ts';
import { SyncLine, syncRoutes } from './routes/sync.ts';
import { apiKeyRoutes } from './routes/api-keys.ts';
import { authCallbackRoutes } from './routes/auth-callback.ts';
import { authRoutes } from './routes/auth.ts';
import { commentRoutes } from './routes/comments.ts';
import { commentActionRoutes } from './routes/comment-actions.ts';
import { connectLinkRoutes } from './routes/connect-links.ts';
import { dataDeletionRoutes } from './routes/data-deletions.ts';
import { debugEventRoutes } from './routes/debug-events.ts';
import { debugRoutes } from './routes/debug.ts';
import { deletionRoutes } from './routes/deletions.ts';
import { healthRoutes } from './routes/health.ts';
import { homeRoutes } from './routes/home.ts';
import { insightRoutes } from './routes/insights.ts';
import { mediaCopyRoutes } from './routes/media-copies.ts';
import { mediaFileRoutes } from './routes/media-files.ts';
import { mediaRoutes } from './routes/media.ts';
import { pageRoutes } from './routes/pages.ts';
import { postEventRoutes } from './routes/post-events.ts';
import { postRoutes } from './routes/posts.ts';
import { providerCallbackRoutes } from './routes/provider-callbacks.ts';
import { publishRoutes } from './routes/publish.ts';
import { tiktokRoutes } from './routes/tiktok.ts';
import { userRoutes } from './routes/users.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { ErrorBody } from './schemas.ts';
import { answerUnknownRoutes, LONGEST_PARAM } from './unknown-routes.ts';
import { validatorCompiler } from './validation.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route limits its own time: Fastify's timer costs a tenth of a webhook's time. */
    endsByItself?: true;
  }
}

/** Default time limit of a route; calls to the database and Temporal have shorter ones. */
const HANDLER_MS = 8_000;
const BODY_BYTES = 262_144;

/** Builds the API, ready for `inject` or to listen. Closing it does not close the dependencies passed in. */
export async function buildApp(given: GivenDeps): Promise<FastifyInstance> {
  const media = createMediaHome(given.media, createMediaRegister(given.database.db), 'server');
  const deps: Deps = { ...given, media };
  const app = Fastify({
    logger: logger(deps),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: requestId,
    requestIdHeader: false,
    bodyLimit: BODY_BYTES,
    // A scope that adds its own schemas falls back to Ajv, which must not modify bodies either.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    frameworkErrors: answerBadUrl,
    clientErrorHandler: answerMalformedHttp,
    http: { requireHostHeader: false },
    rewriteUrl: readAheadOfRouting,
    trustProxy: [...deps.config.trustedProxies],
    routerOptions: { maxParamLength: LONGEST_PARAM },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.addHook('onRoute', (route) => {
    if (route.config?.endsByItself !== true) route.handlerTimeout ??= HANDLER_MS;
  });
  // Not in a plugin: a schema that is added there brings Fastify's own validation back for the plugin's routes.
  for (const schema of [ErrorBody, AccountView, MediaView, PostView, SyncLine, CommentView, ...CONTENT_VIEWS])
    app.addSchema(schema);
  answerFailures(app);
  readBodies(app);
  endIdleConnections(app);
  endUnreadBodies(app);

  logRequests(app);
  answerOddHttp(app);
  await app.register(helmet, {
    contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } },
  });
  await app.register(cookie);
  app.decorate(
    'consentSources',
    deps.providers.all.flatMap(({ oauth }) => oauth.consentSources),
  );
  await limitRates(app, deps);
  identifyCallers(app, deps);
  answerUnknownRoutes(app);
  guardRoutes(app, deps);
  await describeApi(app, deps.config.publicUrl);
  measure(app, deps);

  await app.register(homeRoutes);
  await app.register(healthRoutes(deps));
  await app.register(userRoutes(deps));
  await app.register(apiKeyRoutes(deps));
  await app.register(connectLinkRoutes(deps));
  await app.register(authRoutes(deps));
  await app.register(authCallbackRoutes(deps));
  await app.register(pageRoutes(deps));
  await app.register(accountRoutes(deps));
  await app.register(syncRoutes(deps));
  await app.register(mediaCopyRoutes(deps));
  await app.register(insightRoutes(deps));
  await app.register(commentRoutes(deps));
  await app.register(commentActionRoutes(deps));
  await app.register(mediaRoutes(deps));
  await app.register(mediaFileRoutes(deps));
  await app.register(tiktokRoutes(deps));
  await app.register(publishRoutes(deps));
  await app.register(postRoutes(deps));
  await app.register(deletionRoutes(deps));
  await app.register(postEventRoutes(deps));
  await app.register(webhookRoutes(deps));
  await app.register(providerCallbackRoutes(deps));
  await app.register(dataDeletionRoutes(deps));
  await app.register(debugRoutes(deps));
  await app.register(debugEventRoutes(deps));
  const unwatch = watchMediaHome(media, (trouble) =>
    trouble === null
      ? app.log.info('the media folder is fine again')
      : app.log.error({ code: trouble.code, err: trouble }, trouble.message),
  );
  app.addHook('onClose', async () => unwatch());
  await app.ready();
  return app;
}

/** Prepares a request before routing. @returns the address, unchanged */
function readAheadOfRouting(raw: IncomingMessage): string {
  cleanForwardedFor(raw);
  return overrideMethod(raw);
}
