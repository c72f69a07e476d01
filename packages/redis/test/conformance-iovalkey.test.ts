import { Redis } from "iovalkey";
import { describeRedisStore } from "./describe-redis-store.js";

describeRedisStore("redis (iovalkey)", (url) => new Redis(url));
