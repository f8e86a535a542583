# the front end
FROM node:20-alpine AS web
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci
COPY web ./
RUN npm run build

# the application
FROM eclipse-temurin:21-jdk AS api
WORKDIR /app
COPY pom.xml mvnw .mvn ./
COPY .mvn .mvn
RUN ./mvnw -DskipTests dependency:go-offline
COPY src ./src
COPY --from=web /web/dist ./src/main/resources/static
RUN ./mvnw -DskipTests package -B \
 && cp target/*.jar app.jar

# what is shipped
FROM eclipse-temurin:21-jre-alpine
RUN addgroup -S app && adduser -S app -G app
WORKDIR /app
COPY --from=api /app/app.jar ./app.jar
USER app
EXPOSE 8080
ENTRYPOINT ["java", "-jar", "/app/app.jar"]
