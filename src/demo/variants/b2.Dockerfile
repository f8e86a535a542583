FROM node:20-alpine AS build
WORKDIR /app
COPY . .
RUN npm ci --omit=dev &&  
npm run build

FROM nginx:1.27.4-alpine-slim
WORKDIR /usr/share/nginx/html
RUN rm -rf ./*
COPY --from=build /app/build .
COPY nginx.conf /etc/nginx/conf.d/default.conf
CMD ["nginx", "-g", "daemon off;"]
EXPOSE 80
