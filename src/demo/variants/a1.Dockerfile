FROM eclipse-temurin:21-jdk
WORKDIR /app
COPY . .
RUN ./mvnw -DskipTests package
RUN apt-get update && apt-get install -y nodejs npm
WORKDIR /app/web
RUN npm ci && npm run build
WORKDIR /app
EXPOSE 8080
CMD ["java", "-jar", "target/app.jar"]
